import {
  Counter as ClientCounter,
  Gauge as ClientGauge,
  Histogram,
  type PrometheusContentType,
  Registry,
} from '@prometheus-io/client'
import type { Counter, Durations, Gauge, Labels, Reading } from './observe.ts'

/** What a metric is, as one reads it beside its values. */
export interface Description<Label extends string> {
  readonly name: string
  readonly help: string
  readonly labels: readonly Label[]
}

/** Metrics of one process, in the text format of Prometheus. */
export class MetricRegistry {
  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE
  readonly #registry = new Registry<PrometheusContentType>(Registry.PROMETHEUS_CONTENT_TYPE)

  counter<Label extends string = never>(description: Description<Label>): Counter<Label> {
    const counter = new ClientCounter<string>(this.#configured(description))
    return {
      add: (labels, by = 1) => counter.inc(labels, by),
      begin: (labels) => counter.inc(labels, 0),
    }
  }

  gauge<Label extends string = never>(description: Description<Label>): Gauge<Label> {
    const gauge = new ClientGauge<string>(this.#configured(description))
    // One without labels begins at 0, which nobody has read yet.
    if (description.labels.length === 0) gauge.remove({})
    let shown: readonly Reading<Label>[] = []
    return {
      show(readings) {
        for (const { labels } of shown) gauge.remove(labels)
        for (const { labels, value } of readings) gauge.set(labels, value)
        shown = readings
      },
    }
  }

  durations<Label extends string = never>(
    description: Description<Label> & { readonly bucketsSeconds: readonly number[] },
  ): Durations<Label> {
    const begun = new Set<string>()
    const histogram = new Histogram<string>({
      ...this.#configured(description),
      buckets: [...description.bucketsSeconds],
    })
    // The client's own way to begin at 0 would also go back to 0.
    const begin = (labels: Labels<Label>): void => {
      const key = JSON.stringify(description.labels.map((label) => labels[label]))
      if (!begun.has(key)) histogram.zero(labels)
      begun.add(key)
    }
    return {
      begin,
      record(labels, seconds) {
        begin(labels)
        histogram.observe(labels, seconds)
      },
    }
  }

  text(): Promise<string> {
    return this.#registry.metrics()
  }

  #configured({ name, help, labels }: Description<string>) {
    return { name, help, labelNames: [...labels], registers: [this.#registry] }
  }
}
