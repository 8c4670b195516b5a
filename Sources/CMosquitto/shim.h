// libmosquitto 2.0.11: ours (scripts/libmosquitto), or the system's own, 2.0 or 2.1. mqtt_protocol.h holds the MQTT 5 property
// identifiers; since 2.1 mosquitto.h brings them along, and the old name is refused.
#pragma once
#include <mosquitto.h>
#if LIBMOSQUITTO_VERSION_NUMBER < 2001000
#include <mqtt_protocol.h>
#endif

#ifndef MOSQ_HAS_BOUNDS
// Debian's own has no bound to set, and does not tell.
#define MOSQ_HAS_BOUNDS 0
#define MOSQ_BOUNDS_SOURCE ""
static inline void mosquitto_incoming_maximum_set(struct mosquitto *mosq, uint32_t size) {}
static inline uint32_t mosquitto_incoming_refused(struct mosquitto *mosq) { return 0; }
static inline bool mosquitto_has_pending(struct mosquitto *mosq) { return false; }
#endif
