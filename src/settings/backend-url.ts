import { resolve } from 'node:path'

/** The ledger: `file:PATH` or `postgres://…`. */
export function isDatabaseUrl(text: string): boolean {
  return isFileUrl(text) || isServerUrl(text, ['postgres:', 'postgresql:'])
}

/** The queue: `embedded:`, `redis://…`, `rediss://…` or `postgres://…`. */
export function isQueueUrl(text: string): boolean {
  return text === 'embedded:' || isServerUrl(text, ['redis:', 'rediss:', 'postgres:', 'postgresql:'])
}

/** Where PINs are read: `own:`, `file:PATH` or `postgres://…`. */
export function isPortalUrl(text: string): boolean {
  return text === 'own:' || isDatabaseUrl(text)
}

/** Relative to the folder of the settings file. */
export const defaultDatabase = 'file:../data/forewarn.db'

export const databaseUrlExpected = 'file:PATH or postgres://USER:PASSWORD@HOST/DATABASE'

/** Makes the path of a `file:` URL absolute, from the folder that it is relative to; other URLs stay as they are. */
export function absoluteUrl(url: string, folder: string): string {
  return url.startsWith('file:') ? `file:${resolve(folder, pathOf(url))}` : url
}

/** `file:PATH`, or `file:///PATH` as browsers write it. SQLite's own parameters (`?mode=…`) are not taken. */
function isFileUrl(text: string): boolean {
  if (!text.startsWith('file:') || /[?\p{Cc}]/u.test(text)) return false
  const path = pathOf(text)
  return path !== '' && !path.startsWith('//') && !path.endsWith('/') && path !== ':memory:'
}

function pathOf(url: string): string {
  return url.slice('file:'.length).replace(/^\/\/(?=\/)/, '')
}

function isServerUrl(text: string, protocols: readonly string[]): boolean {
  if (/\s/.test(text) || !URL.canParse(text)) return false
  const { protocol, host, pathname, search } = new URL(text)
  const names = host !== '' || pathname.length > 1 || search !== ''
  return protocols.includes(protocol) && text.startsWith(`${protocol}//`) && names
}
