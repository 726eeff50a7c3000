import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { editorSchemas, settingsTable } from '#settings/reference.ts'

const docs = new URL('../../docs/', import.meta.url)
const advice = 'run: node scripts/json-schema.ts'

test('the JSON Schemas for editors are those of the schemas in use', () => {
  for (const [name, text] of Object.entries(editorSchemas())) {
    expect(readFileSync(new URL(`schema/${name}`, docs), 'utf8'), advice).toBe(text)
  }
})

test('docs/settings.md has the keys, names, defaults and meanings of the schema in use', () => {
  // The formatter aligns columns.
  const plain = (text: string) => text.replace(/ +/g, ' ').replace(/-{3,}/g, '---')
  expect(plain(readFileSync(new URL('settings.md', docs), 'utf8')), advice).toContain(plain(settingsTable()))
})

test('every key helps in the editor with its meaning', () => {
  const undescribed = (schema: object, path: string): string[] => {
    if (!('properties' in schema)) return 'description' in schema ? [] : [path]
    return Object.entries(schema.properties as Record<string, object>).flatMap(([key, inner]) =>
      undescribed(inner, `${path}/${key}`),
    )
  }
  for (const [name, text] of Object.entries(editorSchemas())) expect(undescribed(JSON.parse(text), name)).toEqual([])
})
