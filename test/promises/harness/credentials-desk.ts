import { chmod, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'

/**
 * Gives out AWS credentials. The first question, which is about SES's quota, is turned away; whoever comes next wants to
 * send, and waits here, with its claim made and its call not begun.
 */
export interface CredentialsDesk {
  /** Environment of a command that gets its credentials here. */
  readonly variables: Readonly<Record<string, string>>
  /** Resolves when somebody waits. */
  readonly waitedAt: Promise<void>
  /** Answers all who wait, and all who come. */
  release(): void
}

/** Opens a desk whose `credential_process` lives in `folder`. It is closed after the test. */
export async function openCredentialsDesk(folder: string): Promise<CredentialsDesk> {
  const waiting: ServerResponse[] = []
  const arrival = Promise.withResolvers<void>()
  let questions = 0
  let released = false
  const server = createServer((_request, response) => {
    questions += 1
    if (questions === 1) return void response.end('no credentials yet')
    if (released) return answer(response)
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
    waitedAt: arrival.promise,
    release() {
      released = true
      for (const response of waiting.splice(0)) answer(response)
    },
  }
}

function answer(response: ServerResponse): void {
  response.end(JSON.stringify({ Version: 1, AccessKeyId: 'made-up', SecretAccessKey: 'made-up' }))
}
