import { expect, test } from 'vitest'
import { maskSecrets } from '#settings/mask.ts'

test.each([
  ['postgres://me:hunter2@host:5432/db', 'postgres://me:***@host:5432/db'],
  ['redis://:hunter2@host', 'redis://:***@host'],
  ['postgres://me:hun@ter2@host/db', 'postgres://me:***@host/db'],
  ['postgres://me:hun/ter2@host/db', 'postgres://me:***@host/db'],
  ['redis://me:hun ter2@host', 'redis://me:***@host'],
  ['postgres:me:hunter2@host', 'postgres:***@host'],
  ['redis://me:hunter2', 'redis://me:***'],
  ['redis://me:6379hun ter2', 'redis://me:***'],
  [
    'postgres://host/db?user=me&password=hunter2&sslmode=require',
    'postgres://host/db?user=me&password=***&sslmode=require',
  ],
])('%s is shown as %s', (text, masked) => {
  expect(maskSecrets(text)).toBe(masked)
})

test.each([
  'postgres://host:5432/db',
  'redis://me@host:6379',
  'redis://[::1]:6379',
  'file:/data/a:b.db',
  '"A" <a@example.com>',
  'https://example.com:8080?a=1',
])('%s holds no secret and stays', (text) => {
  expect(maskSecrets(text)).toBe(text)
})
