// Devices, gateways, their troubles and readings, as docs/http.md has them. What newer hubs
// add is optional: a hub may be older than a page that is still open.

export interface DeviceEvent {
  id: string;
  kind: string;
  device: string;
  measured_at: string;
  received_at: string;
  ingested_at: string;
  values: Record<string, number>;
  attrs: Record<string, unknown>;
}

/** Something about a device that somebody has to mend, or to try. Of a gateway, `device` is the gateway itself. */
export interface Trouble {
  gateway: string;
  device: string | null;
  label: string;
  kind: string;
  reason: string;
  since: string;
  due_at: string | null;
  life_critical: boolean;
  overdue: boolean;
  alarm: string | null;
  task: string | null;
}

export interface Device {
  gateway: string;
  device: string;
  home: string | null;
  kind: string;
  model: string;
  label: string;
  first_seen_at: string | null;
  last_seen_at: string | null;
  battery_pct: number | null;
  signal_dbm: number | null;
  fault: string | null;
  /** The home can be asked whether all is well, and answers here. */
  asks?: boolean;
  state: string;
  link_quality?: number | null;
  mains?: boolean | null;
  /** Null: it is never missed. */
  expected_interval_s?: number | null;
  test_interval_s?: number | null;
  tampered_at?: string | null;
  tested_at?: string | null;
  test_due_at?: string | null;
  life_critical?: boolean;
  /** Its radio proves nothing: a press can be recorded and sent again by who is near. */
  open_radio?: boolean;
  /** Everybody of its home has left the service. */
  collect?: boolean;
  troubles?: Trouble[];
}

/** What may be changed about a device; null is what its kind has. */
export interface DeviceChanges {
  /** null takes it out of its home. */
  home?: string | null;
  label?: string;
  kind?: string;
  expected_interval_s?: number | null;
  test_interval_s?: number | null;
  life_critical?: boolean | null;
}

export interface Gateway {
  id: string;
  name: string;
  region: string;
  region_path: string[];
  online: boolean;
  status_at: string | null;
  clock: string | null;
  oldest_unacked_s: number | null;
  last_seq: number | null;
  spool_free_bytes: number | null;
  mains: boolean | number | null;
  battery_pct: number | null;
  version: string | null;
  homes: number;
  devices: number;
  /** The newest one; null where gateways have passwords, or this one was never enrolled. */
  certificate?: { not_after: string; revoked_at: string | null } | null;
}

export type RawPoint = [number, number];

export type RollUpPoint = [number, number, number, number];

export interface Series {
  device: string;
  kind: string;
  field: string;
  resolution: string;
  points: (RawPoint | RollUpPoint)[];
}

export interface Quarantined {
  id: string | number;
  at: string;
  source: string;
  gateway: string | null;
  code: string;
  detail: string;
  raw_hex: string;
  raw_text: string | null;
  size: number;
  count: number;
}
