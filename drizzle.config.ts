import { defineConfig } from 'drizzle-kit'

// `npx drizzle-kit generate --name WHAT` writes the next migration after a change of the schema.
export default defineConfig({
  dialect: 'sqlite',
  schema: './src/ledger/sqlite/schema.ts',
  out: './src/ledger/sqlite/migrations',
})
