// docs/fleet.md says how to run more processes for longer, and with the bounds of a machine that does nothing else.

/** How long a test calls its instances. */
export const LOAD_MS: number = Number(process.env['ESCUDO_FLEET_MS'] ?? 1_500)
/** How many instances there are. */
export const COUNT: number = Number(process.env['ESCUDO_FLEET_PROCESSES'] ?? 4)
/** What a busy machine adds to a promised time. */
export const BUSY_MS: number = Number(process.env['ESCUDO_FLEET_BUSY_MS'] ?? 2_000)
