import { claimsConformance } from './conformance/claims.ts'
import { sqliteHarness } from './sqlite-harness.ts'

claimsConformance(sqliteHarness)
