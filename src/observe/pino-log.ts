import { pino } from 'pino'
import type { Log } from './observe.ts'

export interface LogOptions {
  readonly level: string
  /** For a person at a terminal instead of a machine. */
  readonly pretty: boolean
  /** Of the pretty log. */
  readonly colour: boolean
}

/** Logs to stderr: JSON lines, or a line for people. Stdout belongs to the commands. */
export async function openLog({ level, pretty, colour }: LogOptions): Promise<Log> {
  const stream = pretty ? await prettyStream(colour) : pino.destination({ fd: 2, sync: true })
  const base = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, stream)
  return {
    debug: (event, fields) => base.debug(fields ?? {}, event),
    info: (event, fields) => base.info(fields ?? {}, event),
    warn: (event, fields) => base.warn(fields ?? {}, event),
    error: (event, fields) => base.error(fields ?? {}, event),
  }
}

async function prettyStream(colorize: boolean): Promise<NodeJS.WritableStream> {
  const { default: pretty } = await import('pino-pretty')
  return pretty({ destination: 2, sync: true, colorize, translateTime: 'SYS:HH:MM:ss', ignore: 'pid,hostname' })
}
