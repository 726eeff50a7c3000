/**
 * Takes passwords out of every URL in a text: what stands before the host, and query values named like a secret.
 * Malformed URLs too, and rather too much than too little: a typing error must not print what a right URL would hide.
 */
export function maskSecrets(text: string): string {
  return (
    text
      // Up to the last @: a password may hold one that should have been encoded.
      .replace(/(:\/\/[^:@/\s]*:).*@/gs, '$1***@')
      .replace(/:(?!\/\/)[^@\s"]*@/g, ':***@')
      // Without an @: what stands where the port should, and is none.
      .replace(/(:\/\/[^:@/\s[]*:)(?!\*\*\*|\d{1,5}(?!\d|[^/?#\s"',])).+/gs, '$1***')
      .replace(/([?&][^=&\s"]*(?:pass|secret|token|key)[^=&\s"]*=)(?!\*\*\*)[^&]+/gi, '$1***')
  )
}
