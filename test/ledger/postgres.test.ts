import { assemblyConformance } from './conformance/assembly.ts'
import { auditConformance } from './conformance/audit.ts'
import { editionsConformance } from './conformance/editions.ts'
import { gatesConformance } from './conformance/gates.ts'
import { historyConformance } from './conformance/history.ts'
import { leasesConformance } from './conformance/leases.ts'
import { ledgerConformance } from './conformance/ledger.ts'
import { pinTableConformance } from './conformance/pin-table.ts'
import { plansConformance } from './conformance/plans.ts'
import { reportsConformance } from './conformance/reports.ts'
import { suppressionsConformance } from './conformance/suppressions.ts'
import { postgresHarness } from './postgres-harness.ts'

const harness = postgresHarness()

ledgerConformance(harness)
gatesConformance(harness)
auditConformance(harness)
editionsConformance(harness)
pinTableConformance(harness)
leasesConformance(harness)
plansConformance(harness)
assemblyConformance(harness)
reportsConformance(harness)
historyConformance(harness)
suppressionsConformance(harness)
