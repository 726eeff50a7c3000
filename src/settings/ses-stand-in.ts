import { type Environment, processEnvironment } from './environment.ts'

/** The address of what stands in for Amazon SES, as the AWS SDK itself reads it; null: SES itself is meant. */
export function sesStandIn(env: Environment = processEnvironment()): string | null {
  return env.AWS_ENDPOINT_URL_SES?.trim() || null
}
