import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Gives out AWS credentials, as slowly as a test wants: whoever is to call SES must come here first, and waits. */
export interface CredentialsDesk {
  /** Environment of a command that gets its credentials here. */
  readonly variables: Readonly<Record<string, string>>
  /** Resolves when somebody waits. */
  asked(): Promise<void>
  /** Gives nothing to those who wait. */
  turnAway(): void
  /** Answers all who wait, and all who come. */
  open(): void
}

/** Opens a desk whose `credential_process` lives in `folder`. It is closed after the test. */
export async function openCredentialsDesk(folder: string): Promise<CredentialsDesk> {
  let waiting: ServerResponse[] = []
  let arrival = Promise.withResolvers<void>()
  let isOpen = false
  const server = createServer((_request, response) => {
    if (isOpen) return answer(response)
    waiting.push(response)
    arrival.resolve()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })

  const { port } = server.address() as AddressInfo
  const script = join(folder, 'credentials.mjs')
  const ask = `process.stdout.write(await (await fetch('http://127.0.0.1:${port}/')).text())`
  await writeFile(script, `#!${process.execPath}\n${ask}\n`)
  await chmod(script, 0o755)
  const awsConfig = join(folder, 'aws-config')
  await writeFile(awsConfig, `[default]\ncredential_process = ${script}\n`)

  return {
    // Keys in the environment would be taken first.
    variables: { AWS_CONFIG_FILE: awsConfig, AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' },
    asked: () => arrival.promise,
    turnAway() {
      for (const response of waiting) response.end('nothing for you')
      waiting = []
      arrival = Promise.withResolvers()
    },
    open() {
      isOpen = true
      for (const response of waiting) answer(response)
    },
  }
}

function answer(response: ServerResponse): void {
  response.end(JSON.stringify({ Version: 1, AccessKeyId: 'made-up', SecretAccessKey: 'made-up' }))
}
