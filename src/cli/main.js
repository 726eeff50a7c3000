#!/usr/bin/env node
// Nothing of the program may be imported before this check: older versions crash in native code without a word.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  process.stderr.write(
    `forewarn needs Node 24.15 or newer; this is ${process.versions.node}.\n` +
      'In the checkout, `npm ci` brings it along: use `npx --no forewarn …` or `npm run …`.\n',
  )
  process.exitCode = 1
} else {
  const { main } = await import('./program.ts')
  const { code, failed } = await main(process.argv)
  process.exitCode = code
  // What an error left open must not keep the process; a command that ends well closes what it opened.
  if (failed) process.stdout.write('', () => process.exit())
}
