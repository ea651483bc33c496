// What we use of Web Bluetooth (W3C Community Group draft); TypeScript's DOM library does not have it.

interface BluetoothRemoteGATTCharacteristic extends EventTarget {
  readonly value?: DataView
  readValue(): Promise<DataView>
  startNotifications(): Promise<BluetoothRemoteGATTCharacteristic>
}

interface BluetoothRemoteGATTService extends EventTarget {
  getCharacteristic(characteristic: number): Promise<BluetoothRemoteGATTCharacteristic>
}

interface BluetoothRemoteGATTServer {
  readonly connected: boolean
  connect(): Promise<BluetoothRemoteGATTServer>
  disconnect(): void
  getPrimaryService(service: number): Promise<BluetoothRemoteGATTService>
}

interface BluetoothDevice extends EventTarget {
  readonly id: string
  readonly name?: string
  readonly gatt?: BluetoothRemoteGATTServer
}

interface Bluetooth {
  getAvailability(): Promise<boolean>
  getDevices?(): Promise<BluetoothDevice[]>
  requestDevice(options: { filters: { services: number[] }[]; optionalServices?: number[] }): Promise<BluetoothDevice>
}

interface Navigator {
  readonly bluetooth: Bluetooth
}
