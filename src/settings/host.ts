/** Whether a text is the name of a host: ASCII labels (an international name in punycode), no port, not a number. */
export function isHost(text: string): boolean {
  const labels = text.split('.')
  const label = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i
  return text.length <= 253 && labels.every((part) => label.test(part)) && !/^\d+$/.test(labels.at(-1) ?? '')
}
