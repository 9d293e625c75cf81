/** The body of every answer that the measured clients get. */
export const UPSTREAM_BODY = JSON.stringify({ id: 'mana-potion', name: 'Poción de Maná', stock: 42 })

/** Concurrent calls of a client. */
export const CALLS_AT_ONCE = 16
