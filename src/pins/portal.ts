import { ForewarnError } from '#core/errors.ts'
import type { PinLookup, PinSource } from './pins.ts'
import { checkColumns, refuseChange, unfit } from './portal-columns.ts'
import { type PortalDatabase, type PortalStatements, parseRelation, type RelationName } from './portal-relation.ts'
import { readPortalRow } from './portal-row.ts'
import { type BadRowsReport, portalSource } from './portal-source.ts'

/** PINs read from the portal's own database, as they are at the moment of reading. */
export interface Portal extends PinSource, PinLookup, PortalFindings {
  /** Looks at the relation again. Throws ForewarnError `portal-unusable` when PINs cannot be read from it any more. */
  check(): Promise<PortalFindings>
  /** May be called twice. */
  close(): Promise<void>
}

export interface PortalFindings {
  /** Columns that forewarn does not read. */
  readonly unknownColumns: readonly string[]
}

export interface PortalOptions {
  /** Told of rows that are not used, or not in full, once for each pass over the PINs of a campaign. */
  readonly onBadRows?: BadRowsReport
  /** How long a question may take: a statement of PostgreSQL, or the wait for a writer of SQLite. */
  readonly answerWithinMs?: number
}

const sampleRows = 1_000

/**
 * Opens a relation (`NAME` or `SCHEMA.NAME`) of the portal's database (`file:PATH` or `postgres://…`) for reading, and checks its
 * columns. Throws ForewarnError `portal-unusable`, or `settings-invalid` for a relation that is no name.
 */
export async function openPortal(url: string, relation: string, options: PortalOptions = {}): Promise<Portal> {
  const name = parseRelation(relation)
  const database = await openDatabase(url, options)
  try {
    const columns = await checkColumns(database, name)
    const statements = database.statements(name, columns.known)
    await checkSample(database, name, statements)
    const check = async (): Promise<PortalFindings> => {
      const now = await checkColumns(database, name)
      refuseChange(database, name, columns, now)
      await checkSample(database, name, statements)
      return { unknownColumns: now.unknown }
    }
    return {
      ...portalSource(explaining(statements, check), options.onBadRows ?? (() => undefined)),
      unknownColumns: columns.unknown,
      check,
      close: () => database.close(),
    }
  } catch (error) {
    await database.close()
    throw error
  }
}

async function openDatabase(url: string, { answerWithinMs }: PortalOptions): Promise<PortalDatabase> {
  if (url.startsWith('file:')) {
    const { openSqlitePortal } = await import('./portal-sqlite.ts')
    return openSqlitePortal(url.slice('file:'.length), answerWithinMs)
  }
  const { openPostgresPortal } = await import('./portal-postgres.ts')
  return openPostgresPortal(url, answerWithinMs)
}

/** Throws when no row at all has an expiry that can be read: the view writes instants in another form, and nobody would be warned. */
async function checkSample(database: PortalDatabase, name: RelationName, statements: PortalStatements): Promise<void> {
  const read = (await statements.sample(sampleRows)).map(readPortalRow)
  const flaws = read.map((row) => row.flaws.find(({ column }) => column === 'expires_at'))
  const [first] = flaws
  // A stand-in for "never", such as the year 1, is well written.
  if (first === undefined || flaws.some((flaw) => flaw === undefined || flaw.reason.startsWith('is outside'))) return
  throw unfit(database, name, [`expires_at ${first.reason}, in each of the first rows (${read.length})`])
}

/** When a statement fails because the relation is not what it was, the error says what is wrong with the relation. */
function explaining(statements: PortalStatements, check: () => Promise<unknown>): PortalStatements {
  const explained = async <T>(work: Promise<T>): Promise<T> => {
    try {
      return await work
    } catch (error) {
      if (error instanceof ForewarnError && error.path === 'portal.relation') await check()
      throw error
    }
  }
  return {
    keys: (...asked) => explained(statements.keys(...asked)),
    unplaced: (...asked) => explained(statements.unplaced(...asked)),
    rows: (...asked) => explained(statements.rows(...asked)),
    idsOfAddress: (...asked) => explained(statements.idsOfAddress(...asked)),
    sample: (...asked) => explained(statements.sample(...asked)),
  }
}
