export type { OtelMetricsOptions } from './otel/metrics.ts'
export { recordMetrics } from './otel/metrics.ts'
export type { OtelTracesOptions } from './otel/traces.ts'
export { recordTraces } from './otel/traces.ts'
