import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'

import { type Browser, chromium } from 'playwright-core'

// Nothing that calls home, and no sandbox, which containers cannot give.
const args = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** The system's Chromium: the first on the PATH. */
export function launchBrowser(): Promise<Browser> {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin']
  const executablePath = folders.map((folder) => join(folder, 'chromium')).find((path) => existsSync(path))
  if (executablePath === undefined) throw new Error('chromium is not installed: run scripts/setup')
  return chromium.launch({ executablePath, args })
}
