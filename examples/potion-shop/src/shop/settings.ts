import {
  entriesMax,
  instance,
  logEngine,
  logFile,
  ownDashboard,
  ownPort,
  ports,
  rates,
  redisPort,
  requestTimeoutMs,
  seed,
  tokens,
} from '../process/known-settings.ts'
import type { Values } from '../process/settings.ts'

/** The settings of the shop. */
export const shopSettings = {
  port: ownPort(ports.shop),
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
  logEngine,
  ownDashboard,
  instance,
  redisPort,
} as const

/** The values of {@link shopSettings}. */
export type ShopValues = Values<typeof shopSettings>
