import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  type MetricData,
  PeriodicExportingMetricReader,
  type ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base';

/** An SDK whose exporters keep everything in memory. */
export class TelemetrySdk {
  readonly #spans = new InMemorySpanExporter();
  readonly #metrics = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  readonly tracerProvider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(this.#spans)],
  });
  readonly meterProvider = new MeterProvider({
    readers: [new PeriodicExportingMetricReader({ exporter: this.#metrics })],
  });

  /** The providers as options. */
  get providers() {
    return { tracerProvider: this.tracerProvider, meterProvider: this.meterProvider };
  }

  get spans(): ReadableSpan[] {
    return this.#spans.getFinishedSpans();
  }

  async metrics(): Promise<MetricData[]> {
    return (await this.#scopeMetrics()).flatMap(({ metrics }) => metrics);
  }

  /** The scopes of the meters. */
  async scopes(): Promise<ScopeMetrics['scope'][]> {
    return (await this.#scopeMetrics()).map(({ scope }) => scope);
  }

  async metric(name: string): Promise<MetricData> {
    const found = (await this.metrics()).find(({ descriptor }) => descriptor.name === name);
    if (found === undefined) throw new Error(`There is no ${name}.`);
    return found;
  }

  async end(): Promise<void> {
    await this.tracerProvider.shutdown();
    await this.meterProvider.shutdown();
  }

  async #scopeMetrics(): Promise<ScopeMetrics[]> {
    await this.meterProvider.forceFlush();
    return this.#metrics.getMetrics().at(-1)?.scopeMetrics ?? [];
  }
}

/** The attributes and the value of each point of a metric. */
export function points({ dataPoints }: MetricData) {
  return dataPoints.map(({ attributes, value }) => [attributes, value]);
}
