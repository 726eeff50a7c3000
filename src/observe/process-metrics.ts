import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { MetricRegistry } from './registry.ts'

export interface ProcessMetrics {
  /** Shows the process as it is now. */
  read(): void
  close(): void
}

/** How often the event loop is looked at; a delay is known as precisely as this. */
const resolutionMs = 10

/** What this process costs the machine, and whether it keeps up. */
export function processMetrics(registry: MetricRegistry): ProcessMetrics {
  const startedAtSeconds = Date.now() / 1_000 - process.uptime()
  const delays = monitorEventLoopDelay({ resolution: resolutionMs })
  delays.enable()

  const memory = registry.gauge({
    name: 'forewarn_process_resident_memory_bytes',
    help: 'Memory that the process occupies.',
    labels: [],
  })
  const cpu = registry.counter({
    name: 'forewarn_process_cpu_seconds_total',
    help: 'Processor time that the process has used.',
    labels: [],
  })
  const startTime = registry.gauge({
    name: 'forewarn_process_start_time_seconds',
    help: 'When the process began.',
    labels: [],
  })
  const lag = registry.gauge({
    name: 'forewarn_event_loop_lag_seconds',
    help: 'The longest that the process was too busy to go on with anything else, since the last scrape.',
    labels: [],
  })

  let cpuSeconds = 0
  return {
    read() {
      const { user, system } = process.cpuUsage()
      const usedSeconds = (user + system) / 1e6
      cpu.add({}, Math.max(0, usedSeconds - cpuSeconds))
      cpuSeconds = usedSeconds
      memory.show([{ labels: {}, value: process.memoryUsage.rss() }])
      startTime.show([{ labels: {}, value: startedAtSeconds }])
      lag.show([{ labels: {}, value: Math.max(0, delays.max / 1e9 - resolutionMs / 1_000) }])
      delays.reset()
    },
    close: () => void delays.disable(),
  }
}
