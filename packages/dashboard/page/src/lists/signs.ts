/** Levels differ by their sign and their name, not only by their colour. */
export const SIGNS: Readonly<Record<string, string>> = { critical: '✕', error: '✕', warning: '▲' }
