import { attemptsConformance } from './conformance/attempts.ts'
import { claimsConformance } from './conformance/claims.ts'
import { outboxConformance } from './conformance/outbox.ts'
import { paceConformance } from './conformance/pace.ts'
import { settlementsConformance } from './conformance/settlements.ts'
import { postgresHarness } from './postgres-harness.ts'

const harness = postgresHarness()

outboxConformance(harness)
claimsConformance(harness)
settlementsConformance(harness)
attemptsConformance(harness)
paceConformance(harness)
