// libmosquitto of Debian 12 (2.0.11). mqtt_protocol.h holds the MQTT 5 property identifiers.
#pragma once
#include <mosquitto.h>
#include <mqtt_protocol.h>
