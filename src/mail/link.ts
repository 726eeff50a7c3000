/**
 * A link as a mail may show it, in normal form: https, to one of the hosts exactly, at the usual port, without user or password.
 * The problem reads as a sentence after the link's name.
 */
export function linkTo(
  text: string,
  hosts: readonly string[],
): { readonly value: string } | { readonly problem: string } {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return { problem: 'is not a URL' }
  }
  if (url.protocol !== 'https:') return { problem: 'is not an https:// URL' }
  if (url.username !== '' || url.password !== '') return { problem: 'has a user name or password in it' }
  if (url.port !== '') return { problem: 'names a port' }
  if (!hosts.includes(url.hostname)) return { problem: `leads to ${url.hostname}, which is not one of links.allow` }
  return { value: url.href }
}
