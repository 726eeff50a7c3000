import { ForewarnError } from '#core/errors.ts'
import type { FoundColumn, KnownColumn, PortalDatabase, RelationName } from './portal-relation.ts'
import { type PinColumn, pinColumns, requiredColumns } from './row.ts'

/** A relation's columns, as far as they matter. */
export interface RelationColumns {
  readonly known: readonly KnownColumn[]
  /** Columns that forewarn does not read. */
  readonly unknown: readonly string[]
}

/** Finds out whether a relation has the columns that PINs are read from. Throws ForewarnError `portal-unusable` with all that is wrong. */
export async function checkColumns(database: PortalDatabase, relation: RelationName): Promise<RelationColumns> {
  const found = await database.columns(relation)
  if (found === null) {
    throw unfit(database, relation, ['there is no table or view of this name that may be read'])
  }
  const missing = requiredColumns.filter((name) => !found.some((column) => column.name === name))
  const problems = [
    ...missing.map((name) => `it has no column ${name}${nearly(name, found)}`),
    ...found.flatMap(({ name, type, flaw }) =>
      flaw === null ? [] : [`its column ${name} is of type ${type}, ${flaw}`],
    ),
  ]
  if (problems.length > 0) throw unfit(database, relation, problems)
  return {
    known: found.filter((column): column is FoundColumn & KnownColumn => isKnown(column.name)),
    unknown: found.map(({ name }) => name).filter((name) => !isKnown(name)),
  }
}

/**
 * Throws ForewarnError `portal-unusable` when a column that was read at the start is gone or of another type by now. Without
 * `status`, say, revoked PINs would be warned: that is for a person to accept, by a restart.
 */
export function refuseChange(
  database: PortalDatabase,
  relation: RelationName,
  before: RelationColumns,
  now: RelationColumns,
): void {
  const problems = before.known.flatMap(({ name, type }) => {
    const column = now.known.find((other) => other.name === name)
    if (column === undefined) return [`its column ${name} is gone since forewarn was started`]
    if (column.type === type) return []
    return [`its column ${name} was of type ${type} when forewarn was started, and is of type ${column.type} now`]
  })
  if (problems.length > 0) throw unfit(database, relation, problems, 'if that is right, start forewarn again')
}

/** The error of a relation that PINs cannot be read from. */
export function unfit(
  { shown }: Pick<PortalDatabase, 'shown'>,
  relation: RelationName,
  problems: readonly string[],
  hint = 'docs/portal.md has the view that is needed, and the grants',
): ForewarnError {
  const message = `the relation ${relation.shown} of the portal ${shown} cannot be read as PINs: ${problems.join('; ')}`
  return new ForewarnError('portal-unusable', message, { path: 'portal.relation', hint })
}

function isKnown(name: string): name is PinColumn {
  return (pinColumns as readonly string[]).includes(name)
}

function nearly(name: string, found: readonly FoundColumn[]): string {
  const other = found.find((column) => column.name.toLowerCase() === name)
  return other === undefined ? '' : ` (${other.name} is another name: case counts)`
}
