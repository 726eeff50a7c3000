import { attemptsConformance } from './conformance/attempts.ts'
import { claimsConformance } from './conformance/claims.ts'
import { outboxConformance } from './conformance/outbox.ts'
import { paceConformance } from './conformance/pace.ts'
import { settlementsConformance } from './conformance/settlements.ts'
import { sqliteHarness } from './sqlite-harness.ts'

outboxConformance(sqliteHarness)
claimsConformance(sqliteHarness)
settlementsConformance(sqliteHarness)
attemptsConformance(sqliteHarness)
paceConformance(sqliteHarness)
