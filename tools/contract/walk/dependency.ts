import type { Service } from '../wire/request.ts'

/** A service that the shop depends on. A row can break it with faults. */
export type Dependency = Extract<Service, 'flaky' | 'product' | 'inventory'>
