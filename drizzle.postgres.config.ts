import { defineConfig } from 'drizzle-kit'

// `npx drizzle-kit generate --config drizzle.postgres.config.ts --name WHAT` writes the next migration after a change of the schema.
export default defineConfig({
  dialect: 'postgresql',
  schema: './src/ledger/postgres/schema.ts',
  out: './src/ledger/postgres/migrations',
})
