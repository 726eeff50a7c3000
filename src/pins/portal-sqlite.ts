import type { PinCursor } from './pins.ts'
import { nearTexts } from './portal-near-texts.ts'
import type {
  FoundColumn,
  KnownColumn,
  PortalDatabase,
  PortalStatements,
  RelationName,
  Selection,
} from './portal-relation.ts'
import { SqliteReader } from './portal-sqlite-reader.ts'
import { type PinColumn, type PinRecord, pinColumns } from './row.ts'

/** Opens a portal's SQLite file. The file must exist, and is never written to. */
export function openSqlitePortal(file: string, answerWithinMs?: number): PortalDatabase {
  const reader = new SqliteReader(file, answerWithinMs)
  return {
    shown: `file:${file}`,
    columns: (relation) => findColumns(reader, relation),
    statements: (relation, columns) => statementsOn(reader, relation, columns),
    close: async () => reader.close(),
  }
}

async function findColumns(reader: SqliteReader, { name, schema }: RelationName): Promise<FoundColumn[] | null> {
  const found = await reader.all<{ name: string; type: string }>(
    'select lower(name) as name, type from pragma_table_xinfo(?, ?)',
    [name, schema],
  )
  if (found.length === 0) return null
  return found.map((column) => ({ ...column, flaw: typeFlaw(column) }))
}

/** SQLite holds any value in any column, and columns of a view often have no type: only what can hold nothing but numbers is refused. */
function typeFlaw({ name, type }: { name: string; type: string }): string | null {
  if (name !== 'expires_at' && name !== 'set_at') return null
  if (!/INT|REAL|FLOA|DOUB/i.test(type)) return null
  return `and must be text in ISO 8601 with an offset, as strftime('%Y-%m-%dT%H:%M:%SZ', ${name}, 'unixepoch') makes it of seconds`
}

function statementsOn(reader: SqliteReader, relation: RelationName, columns: readonly KnownColumn[]): PortalStatements {
  const has = (name: PinColumn): boolean => columns.some((column) => column.name === name)
  const from = `from ${relation.quoted} p`
  const cells = pinColumns.filter(has).map((name) => `${text(name)} as ${name}`)
  const select = `select ${cells.join(', ')} ${from}`

  /** The rows of a kind and of some accounts; blanks around both are left to `readPin` to refuse. */
  function selected({ kind, accounts }: Selection): { condition: string; values: unknown[] } {
    const ofKind = `${has('kind') ? kindOrDefault : `'caller-pin'`} = ?`
    if (accounts === null) return { condition: ofKind, values: [kind] }
    const account = has('account_id') ? trimmed('account_id') : 'null'
    return {
      condition: `${ofKind} and ${account} in (select value from json_each(?))`,
      values: [kind, JSON.stringify(accounts)],
    }
  }

  return {
    keys(which, after, untilAt, limit) {
      const { condition, values } = selected(which)
      // The expiry is read once per row; of a column that takes no account of case, ids still are in order of their bytes.
      return reader.all<PinCursor>(
        `with near as materialized (
           select forewarn_instant(p.expires_at) as at, ${text('pin_id')} as id ${from} where ${near} and ${condition}
         )
         select at as expiresAt, id as pinId from near
         where id <> '' and at < ? and (at > ? or at = ? and id > ? collate binary)
         order by at, id collate binary limit ?`,
        [
          ...nearTexts(after.expiresAt, untilAt),
          ...values,
          untilAt,
          after.expiresAt,
          after.expiresAt,
          after.pinId,
          limit,
        ],
      )
    },
    unplaced(query, limit) {
      const { condition, values } = selected(query)
      return reader.all<PinRecord>(
        `${select}
         where (
           p.pin_id is null or p.pin_id = '' or p.expires_at is null or typeof(p.expires_at) <> 'text'
           or p.expires_at not glob '[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]T*'
           or ${near} and forewarn_instant(p.expires_at) is null
         ) and ${condition} limit ?`,
        [...nearTexts(query.fromAt, query.toAt), ...values, limit],
      )
    },
    rows: (pinIds) =>
      reader.all<PinRecord>(`${select} where p.pin_id in (select value from json_each(?))`, [idList(pinIds)]),
    async idsOfAddress(address, limit) {
      const [local = ''] = address.split('@', 1)
      const found = await reader.all<{ id: string }>(
        `select distinct ${text('pin_id')} as id ${from}
         where p.pin_id is not null
           and (lower(p.email) = ? or p.email glob '*[^ -~]*' and p.email like ? escape '\\') limit ?`,
        [address, `${local.replaceAll(/[\\%_]/g, '\\$&')}@%`, limit],
      )
      return found.map(({ id }) => id)
    },
    sample: (limit) => reader.all<PinRecord>(`${select} where p.expires_at <> '' limit ?`, [limit]),
  }
}

const near = 'p.expires_at >= ? and p.expires_at < ?'

function text(name: PinColumn): string {
  return `cast(p.${name} as text)`
}

function trimmed(name: PinColumn): string {
  return `trim(${text(name)}, char(32, 9, 13, 10))`
}

const kindOrDefault = `coalesce(nullif(${trimmed('kind')}, ''), 'caller-pin')`

/** JSON in which ids that are numbers stand as these, too: a column of a view may hold them without saying so. */
function idList(pinIds: readonly string[]): string {
  const texts = pinIds.map((id) => JSON.stringify(id))
  return `[${[...texts, ...pinIds.filter((id) => /^(0|-?[1-9]\d{0,18})$/.test(id))].join(',')}]`
}
