import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { errorCodes } from '#core/errors.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../docs/errors.md'), 'utf8')

it('explains every error code with its exit code', () => {
  const told = [...page.matchAll(/^\| `([^`]+)` \| (\d) \|/gm)].map(([, code, exit]) => [code, Number(exit)])
  expect(Object.fromEntries(told)).toEqual(errorCodes)
})
