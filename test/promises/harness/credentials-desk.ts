import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/** Gives out AWS credentials, as slowly as a test wants: whoever signs a request must come here first. */
export interface CredentialsDesk {
  /** Environment of a command that gets its credentials here, for every single call. */
  readonly variables: Readonly<Record<string, string>>
  /** From now on nobody gets an answer; resolves when the first one waits. */
  holdNext(): Promise<void>
  /** Answers all who wait, and holds no more. */
  release(): void
}

/** Opens a desk whose `credential_process` lives in `folder`. It is closed after the test. */
export async function openCredentialsDesk(folder: string): Promise<CredentialsDesk> {
  const waiting: ServerResponse[] = []
  let arrival: (() => void) | null = null
  const server = createServer((_request, response) => {
    if (arrival === null) return answer(response)
    waiting.push(response)
    arrival()
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
    holdNext: () => new Promise((resolve) => (arrival = resolve)),
    release() {
      arrival = null
      for (const response of waiting.splice(0)) answer(response)
    },
  }
}

/** So near their end that the SDK asks again for the next call. */
function answer(response: ServerResponse): void {
  const Expiration = new Date(Date.now() + 60_000).toISOString()
  response.end(JSON.stringify({ Version: 1, AccessKeyId: 'made-up', SecretAccessKey: 'made-up', Expiration }))
}
