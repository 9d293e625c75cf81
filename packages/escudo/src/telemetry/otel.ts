export type { OtelMetricsOptions } from './otel/metrics.ts'
export { recordMetrics } from './otel/metrics.ts'
