import type { PinRecord, RowProblem } from './row.ts'

/** One record of a file: the line it begins on, and its cells or why they cannot be read. */
export type FileRecord =
  | {
      readonly line: number
      readonly cells: PinRecord
      /** All cells of a record of several lines: a quote at the wrong place may have drawn other records into one of them. */
      readonly joined?: string
    }
  | {
      readonly line: number
      readonly problem: RowProblem
      /** What can be seen of it, more than the problem shows. */
      readonly text: string
    }

/** What a reader of a format is told, and tells, beside the records. */
export interface FileReading {
  /** The file's name, for messages. */
  readonly file: string
  /** Called once or more for each column that forewarn does not know. */
  readonly onUnknownColumn: (name: string) => void
}
