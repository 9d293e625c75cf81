import { main } from '../process/main.ts'
import { MisuseError } from '../process/misuse.ts'
import { serve } from '../process/service.ts'
import { joinFleet } from './fleet.ts'
import { shopSettings } from './settings.ts'

await main('potion-shop', 'node src/shop/main.ts', shopSettings, async (values) => {
  const { userToken, adminToken } = shopSettings
  if (values.userToken === values.adminToken) {
    throw new MisuseError(`${userToken.env} and ${adminToken.env} are the same: every user would be an administrator`)
  }
  await joinFleet(values)
  // Imported only now: the shields are built when their module is loaded, and they share their state with the fleet.
  const { createShop } = await import('./app.ts')
  const wanted = { port: values.port, setting: shopSettings.port }
  await serve(await createShop(values), wanted, values.logFile, values.instance)
})
