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
import { sqliteHarness } from './sqlite-harness.ts'

ledgerConformance(sqliteHarness)
gatesConformance(sqliteHarness)
auditConformance(sqliteHarness)
editionsConformance(sqliteHarness)
pinTableConformance(sqliteHarness)
leasesConformance(sqliteHarness)
plansConformance(sqliteHarness)
assemblyConformance(sqliteHarness)
reportsConformance(sqliteHarness)
historyConformance(sqliteHarness)
suppressionsConformance(sqliteHarness)
