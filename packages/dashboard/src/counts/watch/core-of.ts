/** What a shield and a service have in common if one is named after the other: `inventory` and `inventory-service` do. */
export function coreOf(name: string): string {
  return name
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/(?:^|-)(?:service|svc|api|client|server|app)(?=-|$)/g, '')
    .replaceAll('-', '')
    .replace(/s$/, '')
}
