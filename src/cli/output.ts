import { stripVTControlCharacters, styleText } from 'node:util'
import { processEnvironment } from '#settings/environment.ts'

/** The options that every command has. */
export interface Globals {
  readonly config?: string
  readonly actor?: string
  readonly json?: boolean
  readonly color: boolean
  readonly logLevel?: string
}

/** Prints a command's result: one JSON document, or text for people. */
export function print(globals: Globals, document: unknown, text: () => string): void {
  process.stdout.write(globals.json ? `${JSON.stringify(document)}\n` : `${text()}\n`)
}

/** Tells a person something beside the result: on stderr, where a machine gets it as a line of the log. */
export function warn(globals: Globals, message: string): void {
  const words = visible(message)
  const line = process.stderr.isTTY
    ? `${paint(globals, 'yellow', 'warning:', process.stderr)} ${words}`
    : JSON.stringify({ level: pinoWarn, time: new Date().toISOString(), warning: words, msg: 'warning' })
  process.stderr.write(`${line}\n`)
}

/** As the log itself numbers its level. */
const pinoWarn = 40

type Colour = 'red' | 'green' | 'yellow' | 'dim' | 'bold'

/** Colours text, on a terminal that wants it. */
export function paint(
  globals: Pick<Globals, 'color'>,
  colour: Colour,
  text: string,
  stream: NodeJS.WriteStream = process.stdout,
): string {
  return wantsColour(globals, stream) ? styleText(colour, text, { validateStream: false }) : text
}

/** Not left to Node, for which FORCE_COLOR outweighs NO_COLOR and a missing terminal. */
export function wantsColour({ color }: Pick<Globals, 'color'>, stream: NodeJS.WriteStream): boolean {
  return color && stream.isTTY === true && stream.hasColors() && !processEnvironment().NO_COLOR
}

/** Columns under a header, two blanks apart. Cells may be painted. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const all = [header, ...rows]
  const widths = header.map((_, column) => Math.max(...all.map((row) => width(row[column] ?? ''))))
  return all
    .map((row) => row.map((cell, column) => padded(cell, widths[column] ?? 0)).join('  '))
    .map((line) => line.trimEnd())
    .join('\n')
}

/** Indented lines of a name and what it is, the names in a column of their own, at least `column` wide. */
export function facts(pairs: readonly (readonly [name: string, value: string])[], column = 0): string[] {
  const widest = Math.max(column, ...pairs.map(([name]) => name.length))
  return pairs.map(([name, value]) => `  ${name.padEnd(widest)}  ${value}`.trimEnd())
}

/** Text from outside in one visible line: nothing in it can move the cursor, colour the screen or hide. */
export function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, escaped)
}

/** As `visible`, but in several lines where the text has several. */
export function visibleLines(text: string): string {
  return text.split('\n').map(visible).join('\n')
}

/** A count and its noun. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}

function escaped(character: string): string {
  const short: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }
  return short[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

function padded(cell: string, to: number): string {
  return cell + ' '.repeat(to - width(cell))
}

function width(cell: string): number {
  return stripVTControlCharacters(cell).length
}
