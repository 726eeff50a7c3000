import { readFileSync, writeFileSync } from 'node:fs'
import { editorSchemas, settingsTable } from '#settings/reference.ts'

// Writes what follows from the schemas of forewarn.yaml and campaign files: JSON Schemas, by which editors check and explain
// them, and the table of docs/settings.md.
const docs = new URL('../docs/', import.meta.url)

for (const [name, text] of Object.entries(editorSchemas())) writeFileSync(new URL(`schema/${name}`, docs), text)

const page = new URL('settings.md', docs)
const around = /(?<=<!-- keys -->\n).*(?=<!-- end of keys -->)/s
writeFileSync(
  page,
  readFileSync(page, 'utf8').replace(around, () => settingsTable()),
)
