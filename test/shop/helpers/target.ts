/** The names of the five processes. */
export const NAMES = ['potion-shop', 'flaky-service', 'product-service', 'inventory-service', 'dashboard'] as const
export type Name = (typeof NAMES)[number]

/** The environment variable for the port of each process. */
export const PORT_VARIABLES: Readonly<Record<Name, string>> = {
  'potion-shop': 'ESCUDO_SHOP_PORT',
  'flaky-service': 'ESCUDO_FLAKY_PORT',
  'product-service': 'ESCUDO_PRODUCT_PORT',
  'inventory-service': 'ESCUDO_INVENTORY_PORT',
  dashboard: 'ESCUDO_DASHBOARD_PORT',
}

/** The processes under test: where they listen, and where they log. */
export interface Target {
  readonly ports: Readonly<Record<Name, number>>
  readonly logFolder: string
  /** The size of each log when the test file began. Tests read only what follows. */
  readonly logStarts?: Readonly<Partial<Record<Name, number>>>
}
