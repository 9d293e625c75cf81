import { expect, it } from 'vitest'
import { isHealthCheck } from '../health-check.ts'

it.each([
  '/healthz',
  '/health',
  '/health/ready',
  '/livez',
  '/readyz?verbose',
  '/ready',
  '/metrics',
  '/ping',
  '/-/healthy',
  '/actuator/health/liveness',
  '/actuator/prometheus',
  '/api/healthz',
  '/HEALTH',
  '/_health/',
])('takes %s for a health check', (path) => expect(isHealthCheck(path)).toBe(true))

it.each([
  '/',
  '/items',
  '/healthy-food',
  '/metrics-report',
  '/pingpong',
  '/lives',
  '/api/health-plans',
  '/readings',
  undefined,
])('takes %s for a request', (path) => expect(isHealthCheck(path)).toBe(false))
