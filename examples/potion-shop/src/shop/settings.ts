import { entriesMax, logFile, own, ports, rates, requestTimeoutMs, seed, tokens } from '../process/known-settings.ts'
import type { Values } from '../process/settings.ts'

/** What the shop takes when it is started. */
export const shopSettings = {
  port: own(ports.shop),
  flakyPort: ports.flaky,
  productPort: ports.product,
  inventoryPort: ports.inventory,
  usersFailRate: rates.users,
  userToken: tokens.user,
  adminToken: tokens.admin,
  entriesMax,
  requestTimeoutMs,
  seed,
  logFile,
} as const

/** Their values. */
export type ShopValues = Values<typeof shopSettings>
