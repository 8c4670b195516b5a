/// The views of ``Dashboard``.
enum DashboardViews {
    /// All parts.
    static let all = [banner, overview, flow, day, cells, limits, settings, relays, relay, pack]

    /// One card that says in words what is going on, first on several views.
    static let banner = #"""
                  # What is going on, what it means, and what a person should do.
                  - type: markdown
                    text_only: true
                    content: >-
                      {% set link = 'binary_sensor.{id}_link' %}
                      {% set at = (states[link].last_changed if states[link] else now()) | as_local %}
                      {% set since = '[[Since]] ' ~ at.strftime('%H:%M' if at.date() == now().date() else '%Y-%m-%d %H:%M') %}
                      {% set takes = states('sensor.{id}_ccl', with_unit=True) ~ ' (' ~ states('sensor.{id}_ccl_reason') ~ ')' %}
                      {% set gives = states('sensor.{id}_dcl', with_unit=True) ~ ' (' ~ states('sensor.{id}_dcl_reason') ~ ')' %}
                      {% set power = states('sensor.{id}_power') | float(0) %}
                      {% if not has_value(link) %}
                      <ha-alert alert-type="error" title="[[No data: the bridge program is not running]]">{{ since }}.
                      [[The BMS still protects the battery, but nobody limits inverter and chargers. Look at the machine with the cable, and at the MQTT broker.]]</ha-alert>
                      {% elif is_state(link, 'off') %}
                      <ha-alert alert-type="error" title="[[No data: nothing comes from the BMS]]">{{ since }}.
                      [[Look at the cable and at the power supply of the BMS. Until data comes, a safe fallback holds:]]
                      [[takes up to]] {{ takes }}, [[gives up to]] {{ gives }}.</ha-alert>
                      {% elif is_state('binary_sensor.{id}_alarm', 'on') %}
                      {% set ns = namespace(names=[], level=1) %}
                      {% for id in device_entities(device_id('binary_sensor.{id}_alarm'))
                      if id.startswith('binary_sensor.{id}_alarm_') and is_state(id, 'on') %}
                      {% set ns.names = ns.names + [state_attr(id, 'friendly_name') | replace(device_name(id) ~ ' ', '', 1)] %}
                      {% set ns.level = [ns.level, state_attr(id, 'level') | int(1)] | max %}
                      {% endfor %}
                      <ha-alert alert-type="{{ 'error' if ns.level > 1 else 'warning' }}"
                      title="{{ '[[Alarm]]' if ns.level > 1 else '[[Warning]]' }}: {{ ns.names | join(', ') }}">[[Takes up to]] {{ takes }}:
                      {{ state_attr('sensor.{id}_ccl_reason', 'sentence') }}.<br>[[Gives up to]] {{ gives }}:
                      {{ state_attr('sensor.{id}_dcl_reason', 'sentence') }}.</ha-alert>
                      {% else %}
                      {% set mode = state_attr('sensor.{id}_charge_mode', 'mode') %}
                      {% set words = states('sensor.{id}_charge_mode') if mode in ['balancing', 'full'] else '[[charging]]' if power > 20
                      else '[[discharging]]' if power < -20 else '[[idle]]' %}
                      {% set flow = ', %.0f W' % (power | abs) if power | abs > 20 else '' %}
                      <ha-alert alert-type="{{ 'info' if mode == 'balancing' else 'success' }}"
                      title="{{ words[0] | upper }}{{ words[1:] ~ flow }}">[[Takes up to]] {{ takes }}, [[gives up to]] {{ gives }}.</ha-alert>
                      {% endif %}
                      {% if is_state(link, 'on') and states('sensor.{id}_ccl') | float(1) == 0 and power > 100 %}
                      <ha-alert alert-type="warning">[[Current still flows in: does the charger follow the limit?]]</ha-alert>
                      {% endif %}
                      {% if is_state('binary_sensor.{id}_soc_calibrated', 'off') %}
                      <ha-alert alert-type="warning">[[The state of charge was never calibrated: charge to full once.]]</ha-alert>
                      {% endif %}

        """#

    /// The first look: what is going on, in one sentence, then the battery, sun and load, and the course of the day.
    static let overview = #"""
          - title: "[[Overview]]"
            path: overview
            icon: mdi:home-battery
            type: sections
            max_columns: 3
            badges:
              - { type: entity, entity: sensor.{id}_soc, name: "[[State of charge]]", show_name: true, color: green,
                  visibility: [{ condition: state, entity: binary_sensor.{id}_link, state: "on" }] }
              - { type: entity, entity: sensor.{id}_charge_mode, name: "[[Charge mode]]", show_name: true }
              - { type: entity, entity: binary_sensor.{id}_to_do, name: "[[To do]]", show_name: true, color: amber,
                  visibility: [{ condition: state, entity: binary_sensor.{id}_to_do, state: "on" }] }
            sections:
              - type: grid
                cards:
                  - { type: heading, heading: "{name}", icon: mdi:home-battery }
                  {banner}
                  - type: gauge
                    entity: sensor.{id}_soc
                    name: "[[State of charge]]"
                    needle: true
                    severity: { red: 0, yellow: 15, green: 30 }
                    grid_options: { columns: 12, rows: 4 }
                    visibility: [{ condition: state, entity: binary_sensor.{id}_link, state: "on" }]
                  - type: markdown
                    text_only: true
                    visibility: [{ condition: numeric_state, entity: sensor.{id}_time_to_go, above: 0 }]
                    content: >-
                      {% set minutes = (states('sensor.{id}_time_to_go') | float(0) * 60) | int %}
                      <ha-icon icon="mdi:battery-clock-outline"></ha-icon> [[empty in]] **{{ minutes // 60 }} h {{ '%02d' % (minutes % 60) }} min**
                  - type: tile
                    entity: sensor.{id}_power
                    name: { type: entity }
                    color: green
                    icon: mdi:battery-charging
                    features: [{ type: trend-graph, hours_to_show: 24 }]
                    grid_options: { columns: 12 }
                    visibility: [{ condition: state, entity: sensor.{id}_power, state_not: unavailable }]
                  - { type: tile, entity: sensor.{id}_voltage, name: { type: entity }, color: blue-grey,
                      visibility: [{ condition: state, entity: binary_sensor.{id}_link, state: "on" }] }
                  - { type: tile, entity: sensor.{id}_energy_stored, name: { type: entity }, icon: mdi:battery-high, color: blue-grey,
                      visibility: [{ condition: state, entity: binary_sensor.{id}_link, state: "on" }] }
                  # What inverter and chargers are told, also in silence.
                  - { type: tile, entity: sensor.{id}_ccl, name: "[[Charge limit]]", icon: mdi:battery-arrow-up, color: green }
                  - { type: tile, entity: sensor.{id}_dcl, name: "[[Discharge limit]]", icon: mdi:battery-arrow-down, color: blue }
                  - type: markdown
                    text_only: true
                    visibility: [{ condition: state, entity: binary_sensor.{id}_to_do, state: "on" }]
                    content: >-
                      <ha-alert alert-type="info" title="[[To do]]">{{ state_attr('binary_sensor.{id}_to_do', 'text') }}</ha-alert>
              - type: grid
                visibility: [{ condition: state, entity: binary_sensor.{id}_link, state: "on" }]
                cards:

        """#

    /// The flow in, or out, below ``overview``.
    static let flow = #"""
                  # A pack without this sensor has none of these entities.
                  - type: heading
                    heading: "[[{heading}]]"
                    icon: {icon}
                    visibility: [{ condition: state, entity: sensor.{id}_power_{end}, state_not: unavailable }]
                    badges:
                      - { type: entity, entity: binary_sensor.{id}_{way}_allowed, icon: mdi:battery-arrow-{arrow}, color: green,
                          state_content: name, name: "[[BMS permits]]",
                          visibility: [{ condition: state, entity: binary_sensor.{id}_{way}_allowed, state: "on" }] }
                      - { type: entity, entity: binary_sensor.{id}_{way}_allowed, icon: mdi:battery-off, color: red,
                          state_content: name, name: "[[BMS forbids]]",
                          visibility: [{ condition: state, entity: binary_sensor.{id}_{way}_allowed, state: "off" }] }
                  - { type: tile, entity: sensor.{id}_power_{end}, name: { type: entity }, icon: {icon}, color: {color},
                      features: [{ type: trend-graph, hours_to_show: 24 }], grid_options: { columns: 12 },
                      visibility: [{ condition: state, entity: sensor.{id}_power_{end}, state_not: unavailable }] }
                  - { type: tile, entity: sensor.{id}_current_{end}, name: { type: entity }, color: {color},
                      visibility: [{ condition: state, entity: sensor.{id}_current_{end}, state_not: unavailable }] }
                  - { type: tile, entity: sensor.{id}_energy_{end}_today, name: "[[Today]]", icon: mdi:calendar-today, color: {color} }

        """#

    /// The course of the day, below the flows.
    static let day = #"""
                  - type: statistics-graph
                    title: "[[Energy of the last week]]"
                    chart_type: bar
                    period: day
                    days_to_show: 7
                    stat_types: [change]
                    entities:
                      - { entity: sensor.{id}_energy_in_today, name: "[[In]]", color: amber }
                      - { entity: sensor.{id}_energy_out_today, name: "[[Out]]", color: blue }
              - type: grid
                cards:
                  - { type: heading, heading: "[[Today]]", icon: mdi:chart-line }
                  - type: history-graph
                    title: "[[State of charge]]"
                    hours_to_show: 48
                    entities: [{ entity: sensor.{id}_soc, name: "[[State of charge]]" }]
                  - type: history-graph
                    title: "[[Sun, battery, load]]"
                    hours_to_show: 24
                    entities:
                      - { entity: sensor.{id}_power_in, name: "[[Sun]]", color: amber }
                      - { entity: sensor.{id}_power, name: "[[Battery]]", color: green }
                      - { entity: sensor.{id}_power_out, name: "[[Load]]", color: blue }
                  - type: logbook
                    hours_to_show: 24
                    grid_options: { columns: 12, rows: 6 }
                    target:
                      entity_id: [sensor.{id}_charge_mode, binary_sensor.{id}_alarm, binary_sensor.{id}_link]

        """#

    /// Every cell as a bar between Vmin and Vmax.
    static let cells = #"""
          - title: "[[Cells]]"
            path: cells
            icon: mdi:battery-outline
            type: sections
            max_columns: 3
            sections:
              - type: grid
                column_span: 2
                cards:
                  {banner}
                  - type: heading
                    heading: "[[Cells]]"
                    icon: mdi:battery-outline
                    badges:
                      - { type: entity, entity: sensor.{id}_cell_min, icon: mdi:arrow-down }
                      - { type: entity, entity: sensor.{id}_cell_max, icon: mdi:arrow-up }
                      - { type: entity, entity: sensor.{id}_cell_difference, icon: mdi:arrow-expand-vertical }
                  # A picture that a template draws. Green; amber from Vbalance up, where the cell's board burns current; red below Vmin,
                  # above Vmax, and for the cell that an alarm is about; grey: unknown. Dashed: Vmin, Vbalance, Vmax.
                  - type: markdown
                    grid_options: { columns: full }
                    content: >-
                      {% set keys = {keys} %}
                      {% set low = states('sensor.{id}_vmin') | float(2.5) %}{% set high = states('sensor.{id}_vmax') | float(3.7) %}
                      {% set balance = states('sensor.{id}_vbalance') | float(3.4) %}
                      {% set hot = states('sensor.{id}_temperature_max_id') if is_state('binary_sensor.{id}_alarm_high_temperature', 'on') %}
                      {% set cold = states('sensor.{id}_temperature_min_id') if is_state('binary_sensor.{id}_alarm_low_temperature', 'on') %}
                      {% set lowest = states('sensor.{id}_cell_min_id') if is_state('binary_sensor.{id}_alarm_low_cell_voltage', 'on') %}
                      {% set highest = states('sensor.{id}_cell_max_id') if is_state('binary_sensor.{id}_alarm_high_cell_voltage', 'on') %}
                      {% set bottom = low - 0.1 %}{% set span = high + 0.05 - bottom %}
                      {% set per_row = 8 if keys | length <= 48 else 16 %}{% set wide = 464 // per_row %}
                      {% set rows = ((keys | length) / per_row) | round(0, 'ceil') | int %}
                      {% set ns = namespace(svg='') %}
                      {% for row in range(rows) %}
                      {% set floor = 150 + 190 * row %}
                      {% for key in keys[row * per_row:(row + 1) * per_row] %}
                      {% set n = key.split('_')[-2] | int %}{% set cell = 'C%d' % n %}
                      {% set v = states(key) %}{% set f = v | float(0) %}
                      {% set t = states(key | replace('_voltage', '_temperature')) %}
                      {% set colour = '#9e9e9e' if not is_number(v) else '#db4437' if f < low or f > high or cell in [hot, cold, lowest, highest]
                          else '#f4b400' if f >= balance else '#43a047' %}
                      {% set tall = 130 * ([ [(f - bottom) / span, 0.03] | max, 1] | min) if is_number(v) else 4 %}
                      {% set x = 38 + wide * loop.index0 %}{% set mid = x + (wide - 8) // 2 %}
                      {% set ns.svg = ns.svg
                          ~ "<rect x='%d' y='%.1f' width='%d' height='%.1f' rx='4' fill='%s'/>" % (x, floor - tall, wide - 8, tall, colour)
                          ~ ("<text x='%d' y='%.1f' class='v'>%s</text>" % (mid, floor - ([tall - 20, 6] | max), '%.3f' % f if is_number(v) else '?')
                             if per_row == 8 else '')
                          ~ "<text x='%d' y='%d'>%d</text>" % (mid, floor + 17, n)
                          ~ "<text x='%d' y='%d' class='t'>%s</text>" % (mid, floor + 33, '%.0f °' % (t | float) if is_number(t) else '') %}
                      {% endfor %}
                      {% for line, name in [(low, 'Vmin'), (balance, 'Vbal'), (high, 'Vmax')] %}
                      {% set y = floor - 130 * (line - bottom) / span %}
                      {% set ns.svg = ns.svg ~ "<line x1='34' x2='500' y1='%.1f' y2='%.1f'/>" % (y, y)
                          ~ "<text x='15' y='%.1f' class='t'>%s</text><text x='15' y='%.1f' class='t'>%.2f</text>" % (y - 2, name, y + 10, line) %}
                      {% endfor %}
                      {% endfor %}
                      {% set svg = "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 504 %d'>" % (190 * rows)
                          ~ "<style>text{font:15px Roboto,sans-serif;text-anchor:middle;fill:#888}.v{fill:#fff;font-size:14px;font-weight:bold}"
                          ~ ".t{font-size:12px}line{stroke:#888;stroke-dasharray:3 3}</style>" ~ ns.svg ~ "</svg>" %}
                      <img width="100%" alt="[[Cells]]" src="data:image/svg+xml;base64,{{ svg | base64_encode }}">
                  - type: history-graph
                    title: "[[Highest and lowest cell]]"
                    hours_to_show: 24
                    grid_options: { columns: full }
                    entities:
                      - { entity: sensor.{id}_cell_max, name: "[[Highest]]" }
                      - { entity: sensor.{id}_cell_min, name: "[[Lowest]]" }
              - type: grid
                cards:
                  - type: heading
                    heading: "[[Spread]]"
                    icon: mdi:arrow-expand-vertical
                  - { type: tile, entity: sensor.{id}_cell_max_id, name: { type: entity }, color: green }
                  - { type: tile, entity: sensor.{id}_cell_min_id, name: { type: entity }, color: orange }
                  - { type: tile, entity: sensor.{id}_cell_difference, name: { type: entity }, color: blue-grey,
                      features: [{ type: trend-graph, hours_to_show: 24 }], grid_options: { columns: 12 } }
                  - { type: tile, entity: sensor.{id}_temperature_max, name: "[[Warmest]]", color: deep-orange }
                  - { type: tile, entity: sensor.{id}_temperature_max_id, name: { type: entity }, color: deep-orange }
                  - { type: tile, entity: sensor.{id}_temperature_min, name: "[[Coldest]]", color: light-blue }
                  - { type: tile, entity: sensor.{id}_temperature_min_id, name: { type: entity }, color: light-blue }
                  - type: history-graph
                    title: "[[Temperatures]]"
                    hours_to_show: 24
                    entities:
                      - { entity: sensor.{id}_temperature_max, name: "[[Warmest]]" }
                      - { entity: sensor.{id}_temperature_min, name: "[[Coldest]]" }

        """#

    /// Each limit with its course, its reason as a word, and the sentence.
    static let limits = #"""
          - title: "[[Limits]]"
            path: limits
            icon: mdi:speedometer
            type: sections
            max_columns: 3
            sections:
              - type: grid
                cards:
                  - { type: heading, heading: "[[Charge]]", icon: mdi:battery-arrow-up, badges: [{ type: entity, entity: sensor.{id}_charge_mode }] }
                  - { type: tile, entity: sensor.{id}_ccl, name: { type: entity }, icon: mdi:battery-arrow-up, color: green,
                      features: [{ type: trend-graph, hours_to_show: 24 }], grid_options: { columns: 12 } }
                  - type: markdown
                    text_only: true
                    content: >-
                      **{{ states('sensor.{id}_ccl_reason') }}**: {{ state_attr('sensor.{id}_ccl_reason', 'sentence') or '-' }}
                  - { type: tile, entity: sensor.{id}_cvl, name: { type: entity }, icon: mdi:flash-triangle, color: green,
                      features: [{ type: trend-graph, hours_to_show: 24 }], grid_options: { columns: 12 } }
                  - type: markdown
                    text_only: true
                    content: >-
                      **{{ states('sensor.{id}_cvl_reason') }}**: {{ state_attr('sensor.{id}_cvl_reason', 'sentence') or '-' }}
              - type: grid
                cards:
                  - { type: heading, heading: "[[Discharge]]", icon: mdi:battery-arrow-down }
                  - { type: tile, entity: sensor.{id}_dcl, name: { type: entity }, icon: mdi:battery-arrow-down, color: blue,
                      features: [{ type: trend-graph, hours_to_show: 24 }], grid_options: { columns: 12 } }
                  - type: markdown
                    text_only: true
                    content: >-
                      **{{ states('sensor.{id}_dcl_reason') }}**: {{ state_attr('sensor.{id}_dcl_reason', 'sentence') or '-' }}
                  - type: history-graph
                    title: "[[Current and its limits]]"
                    hours_to_show: 24
                    entities:
                      - { entity: sensor.{id}_ccl, name: "[[Charge]]", color: green }
                      - { entity: sensor.{id}_dcl, name: "[[Discharge]]", color: blue }
                      - { entity: sensor.{id}_current, name: "[[Current]]", color: grey }
              - type: grid
                cards:
                  - { type: heading, heading: "[[What happened]]", icon: mdi:history }
                  - type: history-graph
                    title: "[[What set the limits]]"
                    hours_to_show: 24
                    entities:
                      - { entity: sensor.{id}_charge_mode, name: "[[Charge mode]]" }
                      - { entity: sensor.{id}_ccl_reason, name: "[[Charge]]" }
                      - { entity: sensor.{id}_cvl_reason, name: "[[Voltage]]" }
                      - { entity: sensor.{id}_dcl_reason, name: "[[Discharge]]" }
                  - type: logbook
                    hours_to_show: 24
                    grid_options: { columns: 12, rows: 7 }
                    target:
                      entity_id: [sensor.{id}_charge_mode, sensor.{id}_ccl_reason, sensor.{id}_dcl_reason, binary_sensor.{id}_alarm]

        """#

    /// Settings of the owner, and the BMS's figures of the pack.
    static let settings = #"""
          - title: "[[Settings]]"
            path: settings
            icon: mdi:cog
            type: sections
            max_columns: 3
            sections:
              - type: grid
                cards:
                  - { type: heading, heading: "[[Switches]]", icon: mdi:toggle-switch }
                  - { type: tile, entity: switch.{id}_charge_enabled, name: { type: entity }, icon: mdi:battery-arrow-up, color: green,
                      features_position: inline, features: [{ type: toggle }], grid_options: { columns: 12 } }
                  - { type: tile, entity: switch.{id}_discharge_enabled, name: { type: entity }, icon: mdi:battery-arrow-down, color: blue,
                      features_position: inline, features: [{ type: toggle }], grid_options: { columns: 12 } }
                  - { type: tile, entity: select.{id}_charge_mode_setting, name: { type: entity }, icon: mdi:auto-mode, color: purple,
                      features: [{ type: select-options }], grid_options: { columns: 12 } }
              - type: grid
                cards:
                  - { type: heading, heading: "[[Ceilings]]", icon: mdi:arrow-collapse-up }
                  - { type: tile, entity: number.{id}_max_charge_current, name: { type: entity },
                      features: [{ type: numeric-input, style: slider }], grid_options: { columns: 12 } }
                  - { type: tile, entity: number.{id}_max_discharge_current, name: { type: entity },
                      features: [{ type: numeric-input, style: slider }], grid_options: { columns: 12 } }
                  - { type: tile, entity: number.{id}_max_charge_voltage, name: { type: entity },
                      features: [{ type: numeric-input, style: buttons }], grid_options: { columns: 12 } }
                  - { type: tile, entity: number.{id}_max_soc, name: { type: entity },
                      features: [{ type: numeric-input, style: slider }], grid_options: { columns: 12 } }
                  - { type: tile, entity: number.{id}_reserve_soc, name: { type: entity },
                      features: [{ type: numeric-input, style: slider }], grid_options: { columns: 12 } }
                  - { type: tile, entity: number.{id}_full_charge_interval, name: { type: entity },
                      features: [{ type: numeric-input, style: buttons }], grid_options: { columns: 12 } }
              - type: grid
                cards:
                  - { type: heading, heading: "[[The pack]]", icon: mdi:information-outline }
                  - type: entities
                    entities:
                      - { entity: sensor.{id}_energy_installed, name: { type: entity }, icon: mdi:battery }
                      - { entity: sensor.{id}_vmin, name: Vmin }
                      - { entity: sensor.{id}_vbalance, name: Vbalance }
                      - { entity: sensor.{id}_vmax, name: Vmax }
                      - type: conditional
                        conditions: [{ condition: state, entity: sensor.{id}_soh, state_not: unavailable }]
                        row: { entity: sensor.{id}_soh, name: { type: entity } }
                      - type: conditional
                        conditions: [{ condition: state, entity: sensor.{id}_cycles, state_not: unavailable }]
                        row: { entity: sensor.{id}_cycles, name: { type: entity } }
                      - type: conditional
                        conditions: [{ condition: state, entity: sensor.{id}_charge_efficiency, state_not: unavailable }]
                        row: { entity: sensor.{id}_charge_efficiency, name: { type: entity } }
                      - { entity: sensor.{id}_energy_in, name: { type: entity } }
                      - { entity: sensor.{id}_energy_out, name: { type: entity } }
                      - type: conditional
                        conditions: [{ condition: state, entity: sensor.{id}_firmware, state_not: unavailable }]
                        row: { entity: sensor.{id}_firmware, name: { type: entity } }
                      - { entity: text.{id}_custom_name, name: { type: entity } }
                      - { entity: button.{id}_republish, name: { type: entity } }
                      - { entity: button.{id}_clear_peaks, name: { type: entity } }

        """#

    /// The heading of the relays, in the settings view.
    static let relays = #"""
              - type: grid
                cards:
                  - { type: heading, heading: "[[Relays]]", icon: mdi:electric-switch }

        """#

    /// One relay, below ``relays``.
    static let relay = #"""
                  - { type: tile, entity: binary_sensor.{id}_contact_{relay}, name: { type: entity }, color: amber, grid_options: { columns: 12 } }
                  - { type: tile, entity: select.{id}_relay_{relay}, name: { type: entity },
                      features: [{ type: select-options }], grid_options: { columns: 12 } }

        """#

    /// One pack of a bank, as a further section of the overview.
    static let pack = #"""
              - type: grid
                cards:
                  - { type: heading, heading: "{pack}", icon: mdi:battery, badges: [{ type: entity, entity: binary_sensor.{pack}_alarm }] }
                  - { type: tile, entity: sensor.{pack}_soc, name: { type: entity }, color: green,
                      features: [{ type: trend-graph, hours_to_show: 24 }], grid_options: { columns: 12 } }
                  - { type: tile, entity: sensor.{pack}_power, name: { type: entity }, icon: mdi:battery-charging }
                  - { type: tile, entity: sensor.{pack}_cell_difference, name: { type: entity } }
                  - { type: tile, entity: sensor.{pack}_ccl, name: "[[Charge limit]]", icon: mdi:battery-arrow-up, color: green }
                  - { type: tile, entity: sensor.{pack}_dcl, name: "[[Discharge limit]]", icon: mdi:battery-arrow-down, color: blue }

        """#
}
