#!/usr/bin/with-contenv bashio
# From the add-on's options to a running bridge that is not root. A config.yaml in the add-on's own folder wins over the
# options: some keys (relays, curves) do not fit into options.
set -euo pipefail

options=/data/options.json
own=/config/config.yaml
folder=/run/bms-mqtt
state=/data/state
page=/run/bms-mqtt-web
history=/data/history

# Options are flat ("mqtt.host"), the configuration is nested. YAML reads JSON, so nothing else has to be translated.
# Switched-off TLS takes its certificates with it; switched-on TLS is a group, even an empty one.
nest='
    def nested: reduce to_entries[] as $entry ({}; setpath($entry.key | split("."); $entry.value));
    def tls:
        if .["mqtt.tls"] == false then with_entries(select(.key | startswith("mqtt.tls") | not))
        elif .["mqtt.tls"] == true then {"mqtt.tls": {}} + del(.["mqtt.tls"])
        else . end;
    def filled: with_entries(select(.value != null and .value != ""));
    (.packs // []) as $packs
    | if .["mqtt.host"] then . else $broker + . end
    | del(.packs, .web, .["web.name"], .["web.password"]) | filled | tls | nested
    | .packs = [$packs[] | filled | nested]
'

# The broker that the Supervisor knows, for options that name none.
broker='{}'
if bashio::services.available "mqtt"; then
    broker=$(jq -n \
        --arg host "$(bashio::services "mqtt" "host")" --argjson port "$(bashio::services "mqtt" "port")" \
        --arg username "$(bashio::services "mqtt" "username")" \
        --arg password "$(bashio::services "mqtt" "password")" \
        --argjson tls "$(bashio::services "mqtt" "ssl")" \
        '{"mqtt.host": $host, "mqtt.port": $port, "mqtt.username": $username, "mqtt.password": $password, "mqtt.tls": $tls}')
fi

install -d -m 0700 -o bms-mqtt -g bms-mqtt "$folder" "$state"
configuration="$folder/config.json"
if [ -f "$own" ]; then
    bashio::log.info "The configuration is config.yaml in the add-on's folder; the options are not used."
    install -m 0400 -o bms-mqtt -g bms-mqtt "$own" "$configuration"
else
    (umask 077 && jq --argjson broker "$broker" "$nest" "$options" >"$configuration")
    chown bms-mqtt:bms-mqtt "$configuration"
fi
bms-mqtt check-config "$configuration"

# The page is another program of another user, which comes after the bridge when memory or processors are short, and starts again when it
# ends. Of the configuration it needs the way to the broker alone.
if [ "$(jq -r '.web // false' "$options")" = true ]; then
    install -d -m 0700 -o bms-mqtt-web -g bms-mqtt-web "$page" "$history"
    install -m 0400 -o bms-mqtt-web -g bms-mqtt-web "$configuration" "$page/config.json"
    name=$(jq -r 'if (.["web.name"] // "") == "" then "homeassistant.local" else .["web.name"] end' "$options")
    access=(--open)
    password=$(jq -r '.["web.password"] // ""' "$options")
    if [ -n "$password" ]; then
        (umask 077 && printf '%s\n' "$password" >"$page/password")
        chown bms-mqtt-web:bms-mqtt-web "$page/password"
        access=(--password-file "$page/password")
    fi
    (
        status=0
        # A wrong option (2, 78) stays wrong.
        while [ "$status" != 2 ] && [ "$status" != 78 ]; do
            status=0
            choom -n 500 -- nice -n 5 setpriv --reuid bms-mqtt-web --regid bms-mqtt-web --clear-groups --inh-caps=-all --no-new-privs \
                bms-mqtt web --config "$page/config.json" --listen 0.0.0.0:8099 "${access[@]}" --name "$name" \
                --data "$history" --data-size 256 || status=$?
            sleep 5
        done
    ) &
fi

# The host's serial ports belong to a group whose number only the host knows.
groups=$(stat -c %g /dev/ttyUSB* /dev/ttyACM* /dev/ttyAMA* /dev/ttyS* 2>/dev/null | grep -vx 0 | sort -u | tr '\n' ',' || true)
export STATE_DIRECTORY="$state" HOME="$state"
exec setpriv --reuid bms-mqtt --regid bms-mqtt --groups "${groups}$(getent group dialout | cut -d: -f3)" \
    --inh-caps=-all --no-new-privs bms-mqtt run --config "$configuration"
