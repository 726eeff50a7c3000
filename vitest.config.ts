import { defineConfig } from 'vitest/config'

// Tests must not see the caller's AWS account, ledger or settings.
for (const name of Object.keys(process.env)) {
  if (/^(AWS_|FOREWARN_)/.test(name) || ['DATABASE_URL', 'QUEUE_URL', 'PORTAL_URL'].includes(name)) {
    delete process.env[name]
  }
}

const pool = { pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 } as const

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'house', include: ['test/house/**/*.test.ts'], ...pool } },
      { test: { name: 'unit', include: ['test/**/*.test.ts'], exclude: ['test/house/**', 'test/pages/**'], ...pool } },
      { test: { name: 'pages', include: ['test/pages/**/*.test.ts'], ...pool } },
    ],
  },
})
