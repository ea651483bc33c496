// A heart-rate strap that is not there, seen by the browser's own Bluetooth stack over the DevTools protocol. There is no way to push a
// notification: the page's characteristic is read instead, and Chromium then tells of the value as of a notification.

const ADDRESS = '09:09:09:09:09:09'
const HEART_RATE = '0000180d-0000-1000-8000-00805f9b34fb'
const MEASUREMENT = '00002a37-0000-1000-8000-00805f9b34fb'
const CONFIGURATION = '00002902-0000-1000-8000-00805f9b34fb'
const BATTERY = '0000180f-0000-1000-8000-00805f9b34fb'
const LEVEL = '00002a19-0000-1000-8000-00805f9b34fb'
/** “Connection failed to be established”, of the Bluetooth core specification. */
const NO_CONNECTION = 0x3e

export const BLUETOOTH = ['--enable-features=WebBluetooth']

/** Put in before the page's scripts: keeps the characteristic through which packets come. */
function hold() {
  if (!globalThis.BluetoothRemoteGATTService) return
  const { getCharacteristic } = BluetoothRemoteGATTService.prototype
  BluetoothRemoteGATTService.prototype.getCharacteristic = async function (which) {
    const found = await getCharacteristic.call(this, which)
    if (which !== 0x2a37) return found
    const { startNotifications } = found
    found.startNotifications = async function () {
      const started = await startNotifications.call(this)
      window.strapCharacteristic = found
      return started
    }
    return found
  }
}

export class Strap {
  static async on(browser, page, name = 'Polar H10 TEST', battery = 82) {
    const strap = new Strap()
    strap.page = page
    strap.near = true
    await page.addInitScript(hold)
    const cdp = (strap.cdp = await browser.newBrowserCDPSession())
    strap.battery = battery
    strap.name = name
    cdp.on('BluetoothEmulation.gattOperationReceived', (event) => void strap.gatt(event).catch(() => {}))
    cdp.on('BluetoothEmulation.characteristicOperationReceived', (event) => void strap.characteristic(event).catch(() => {}))
    cdp.on('BluetoothEmulation.descriptorOperationReceived', ({ descriptorId, type }) =>
      void cdp.send('BluetoothEmulation.simulateDescriptorOperationResponse', { descriptorId, type, code: 0 }).catch(() => {}),
    )
    return strap
  }

  /** Before the page asks for a device: who chooses belongs to one document, and a reload makes a new one. */
  async offer() {
    // A stack that has let a device go does not list it again: it begins anew with the document.
    if (this.choices) await this.cdp.send('BluetoothEmulation.disable')
    await this.cdp.send('BluetoothEmulation.enable', { state: 'powered-on', leSupported: true })
    await this.cdp.send('BluetoothEmulation.simulatePreconnectedPeripheral', { address: ADDRESS, name: this.name, manufacturerData: [], knownServiceUuids: [HEART_RATE] })
    this.services = false
    await this.choices?.detach()
    const choices = (this.choices = await this.page.context().newCDPSession(this.page))
    let chosen
    choices.on('DeviceAccess.deviceRequestPrompted', ({ id, devices }) => {
      // It is told twice; a second answer closes the browser.
      if (!devices.length || chosen === id) return
      chosen = id
      void choices.send('DeviceAccess.selectPrompt', { id, deviceId: devices[0].id }).catch(() => {})
    })
    await choices.send('DeviceAccess.enable')
  }

  async gatt({ type }) {
    if (type === 'discovery' && !this.services) {
      this.services = true
      await this.add(HEART_RATE, MEASUREMENT, { notify: true, read: true })
      this.level = await this.add(BATTERY, LEVEL, { read: true })
    }
    const code = type === 'connection' && !this.near ? NO_CONNECTION : 0
    await this.cdp.send('BluetoothEmulation.simulateGATTOperationResponse', { address: ADDRESS, type, code })
  }

  async add(serviceUuid, characteristicUuid, properties) {
    const { serviceId } = await this.cdp.send('BluetoothEmulation.addService', { address: ADDRESS, serviceUuid })
    const { characteristicId } = await this.cdp.send('BluetoothEmulation.addCharacteristic', { serviceId, characteristicUuid, properties })
    if (properties.notify) await this.cdp.send('BluetoothEmulation.addDescriptor', { characteristicId, descriptorUuid: CONFIGURATION })
    return characteristicId
  }

  async characteristic({ characteristicId, type }) {
    const bytes = characteristicId === this.level ? Buffer.from([this.battery]) : this.packet
    const data = type === 'read' && bytes ? bytes.toString('base64') : undefined
    await this.cdp.send('BluetoothEmulation.simulateCharacteristicOperationResponse', { characteristicId, type, code: 0, data })
  }

  /** One packet. True where the page has it. */
  async notify(hex) {
    this.packet = Buffer.from(hex, 'hex')
    return this.page
      .evaluate(() => (window.strapCharacteristic ? window.strapCharacteristic.readValue().then(() => true) : false))
      .catch(() => false)
  }

  /** Out of reach: the connection breaks, and no new one comes about. */
  async lose() {
    this.near = false
    // The stack forgets what a device offers with its connection.
    this.services = false
    await this.page.evaluate(() => void (window.strapCharacteristic = undefined))
    await this.cdp.send('BluetoothEmulation.simulateGATTDisconnection', { address: ADDRESS })
  }

  find() {
    this.near = true
  }
}
