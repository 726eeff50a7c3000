import { expect, test } from 'vitest'
import { parsePostgresUrl } from '#queue/postgres-url.ts'

test('takes what is ours out of the URL, and leaves the driver what is its own', () => {
  const url = 'postgresql://app:p%40ss@db:5433/portal?sslmode=verify-full&schema=queue&options=-c%20work_mem%3D8MB'
  expect(parsePostgresUrl(url)).toEqual({
    label: 'postgres://db:5433/portal',
    connectionString: 'postgresql://app:p%40ss@db:5433/portal?sslmode=verify-full',
    schema: 'queue',
    options: '-c work_mem=8MB',
  })
})

test('has a schema of its own unless told otherwise, so that it may share the database of the ledger', () => {
  expect(parsePostgresUrl('postgres://db/portal').schema).toBe('forewarn_queue')
})

test('names the folder of a socket as the host', () => {
  expect(parsePostgresUrl('postgres:///portal?host=/run/postgresql').label).toBe('postgres:///run/postgresql/portal')
})

test.each(['schema=a;drop', 'schema=', 'schema=Queue', 'schema=a&schema=b'])('refuses %s', (parameters) => {
  expect(() => parsePostgresUrl(`postgres://app:secret@db/portal?${parameters}`)).toThrow(/^the queue URL .*schema/)
})
