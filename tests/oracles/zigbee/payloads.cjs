// Reads {devices, messages} as JSON, writes {devices, payloads}: what Zigbee2MQTT would publish as
// bridge/devices, and as the state of a device after each message. The converters are those of
// Zigbee2MQTT itself; as it does, a state holds all that was said before, except an action.
"use strict";

const zhc = require("zigbee-herdsman-converters");

const quiet = () => undefined;
zhc.setLogger({ debug: quiet, info: quiet, warning: quiet, error: quiet });

function made(entry) {
  const endpoint = {
    ID: 1,
    deviceIeeeAddress: entry.ieee,
    inputClusters: [],
    outputClusters: [],
    meta: {},
    save: quiet,
    supportsInputCluster: () => true,
    supportsOutputCluster: () => true,
    getInputClusters: () => [],
    getOutputClusters: () => [],
    // The divisors a plug tells when it is interviewed (ZCL 4.9, 10.4).
    getClusterAttributeValue: (cluster, attribute) => (entry.attributes?.[cluster] ?? {})[attribute],
    saveClusterAttributeKeyValue: quiet,
    read: async () => ({}),
    command: async () => undefined,
    defaultResponse: async () => undefined,
  };
  const device = {
    ieeeAddr: entry.ieee,
    modelID: entry.model_id,
    manufacturerName: entry.manufacturer,
    applicationVersion: entry.application_version,
    type: entry.router ? "Router" : "EndDevice",
    powerSource: entry.router ? "Mains (single phase)" : "Battery",
    endpoints: [endpoint],
    meta: {},
    sent: 0,
    customClusters: {},
    getEndpoint: () => endpoint,
    getEndpointByDeviceType: () => endpoint,
    save: quiet,
  };
  endpoint.getDevice = () => device;
  return { device, endpoint };
}

// Buffers come as {"hex": "…"}: JSON has no bytes.
function data(value) {
  if (Array.isArray(value)) return value.map(data);
  if (value === null || typeof value !== "object") return value;
  if (typeof value.hex === "string") return Buffer.from(value.hex, "hex");
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, data(v)]));
}

function exposes(definition, device) {
  const found =
    typeof definition.exposes === "function" ? definition.exposes(device, {}) : definition.exposes;
  return JSON.parse(JSON.stringify(found));
}

async function main(input) {
  const known = new Map();
  const listed = [];
  for (const entry of input.devices) {
    const { device, endpoint } = made(entry);
    const definition = await zhc.findByDevice(device);
    if (definition === undefined) throw new Error(`no definition of ${entry.name}`);
    known.set(entry.name, { definition, device, endpoint, state: {} });
    listed.push({
      ieee_address: entry.ieee,
      friendly_name: entry.name,
      type: device.type,
      supported: true,
      definition: {
        model: definition.model,
        vendor: definition.vendor,
        description: definition.description,
        exposes: exposes(definition, device),
      },
      model_id: entry.model_id,
      manufacturer: entry.manufacturer,
      power_source: device.powerSource,
    });
  }
  const payloads = [];
  for (const message of input.messages) {
    const { definition, device, endpoint, state } = known.get(message.device);
    const seen = {
      cluster: message.cluster,
      type: message.type,
      data: data(message.data),
      device,
      endpoint,
      linkquality: 120,
      groupID: 0,
      meta: { zclTransactionSequenceNumber: (device.sent += 1) % 256, frameControl: {} },
    };
    const said = {};
    for (const converter of definition.fromZigbee) {
      const types = Array.isArray(converter.type) ? converter.type : [converter.type];
      if (converter.cluster !== message.cluster || !types.includes(message.type)) continue;
      const meta = { state, device, logger: { debug: quiet }, deviceExposesChanged: quiet };
      const converted = await converter.convert(definition, seen, quiet, {}, meta);
      if (converted) Object.assign(said, converted);
    }
    zhc.postProcessConvertedFromZigbeeMessage(definition, said, {}, device);
    Object.assign(state, said);
    payloads.push({ ...state, linkquality: 120 });
    delete state.action;
  }
  return { devices: listed, payloads };
}

let text = "";
process.stdin.on("data", (piece) => (text += piece));
process.stdin.on("end", async () => {
  try {
    // The converters leave timers behind: ended as soon as all is written.
    process.stdout.write(JSON.stringify(await main(JSON.parse(text))), () => process.exit(0));
  } catch (error) {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
  }
});
