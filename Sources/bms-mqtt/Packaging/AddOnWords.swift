import ServiceIO

/// Meanings of the add-on's main options in the languages of the entities. The other options are described in English.
struct AddOnWords: Sendable {
    var german: String
    var dutch: String
    var french: String

    /// Meaning of the list of packs in English; that of every other option comes from the configuration table.
    static let packs = "The packs, each with an id and a source, as in {id: garage, source: serial:auto}."

    static let table: [String: AddOnWords] = [
        "packs": AddOnWords(
            german: "Die Akkus, jeder mit id und source, etwa {id: garage, source: serial:auto}.",
            dutch: "De accu's, elk met een id en een source, zoals {id: garage, source: serial:auto}.",
            french: "Les batteries, chacune avec un id et une source, par exemple {id: garage, source: serial:auto}."),
        "id": AddOnWords(
            german: "Kennung in Topics und Entitäten, für immer. Erforderlich.",
            dutch: "Naam in topics en entiteiten, voor altijd. Verplicht.",
            french: "Identifiant dans les topics et les entités, définitif. Obligatoire."),
        "source": AddOnWords(
            german:
                "Woher die Bytes kommen: serial:auto (das Kabel des Herstellers), serial:/dev/ttyUSB0 oder tcp:host:port.",
            dutch:
                "Waar de bytes vandaan komen: serial:auto (de kabel van de fabrikant), serial:/dev/ttyUSB0 of tcp:host:port.",
            french:
                "D'où viennent les octets : serial:auto (le câble du fabricant), serial:/dev/ttyUSB0 ou tcp:host:port."),
        "limits.maxChargeCurrent": AddOnWords(
            german: "Obergrenze des Ladestroms in Ampere; sonst nach Chemie und Kapazität.",
            dutch: "Bovengrens van de laadstroom in ampère; anders volgens chemie en capaciteit.",
            french: "Plafond du courant de charge en ampères ; sinon selon la chimie et la capacité."),
        "limits.maxDischargeCurrent": AddOnWords(
            german: "Obergrenze des Entladestroms in Ampere; sonst nach Chemie und Kapazität.",
            dutch: "Bovengrens van de ontlaadstroom in ampère; anders volgens chemie en capaciteit.",
            french: "Plafond du courant de décharge en ampères ; sinon selon la chimie et la capacité."),
        "limits.fuse": AddOnWords(
            german: "Nennstrom der Sicherung in Ampere: Obergrenze beider Ströme.",
            dutch: "Nominale stroom van de zekering in ampère: bovengrens van beide stromen.",
            french: "Calibre du fusible en ampères : plafond des deux courants."),
        "mqtt.host": AddOnWords(
            german: "Name oder Adresse des Brokers; leer: der Broker von Home Assistant.",
            dutch: "Naam of adres van de broker; leeg: de broker van Home Assistant.",
            french: "Nom ou adresse du broker ; vide : le broker de Home Assistant."),
        "mqtt.port": AddOnWords(
            german: "TCP-Port des Brokers; sonst 1883, mit TLS 8883.",
            dutch: "TCP-poort van de broker; anders 1883, met TLS 8883.",
            french: "Port TCP du broker ; sinon 1883, avec TLS 8883."),
        "mqtt.username": AddOnWords(
            german: "Benutzer beim Broker.", dutch: "Gebruiker bij de broker.", french: "Utilisateur auprès du broker."),
        "mqtt.password": AddOnWords(
            german: "Passwort beim Broker.", dutch: "Wachtwoord bij de broker.",
            french: "Mot de passe auprès du broker."),
        "homeAssistant.language": AddOnWords(
            german: "Sprache der Namen der Entitäten: en, de, nl oder fr.",
            dutch: "Taal van de namen van de entiteiten: en, de, nl of fr.",
            french: "Langue des noms des entités : en, de, nl ou fr."),
        "commands": AddOnWords(
            german: "Ob Einstellungen über MQTT befohlen werden dürfen.",
            dutch: "Of instellingen via MQTT mogen worden gegeven.",
            french: "Si des réglages peuvent être commandés par MQTT."),
        "web": AddOnWords(
            german:
                "Eine Seite im Browser, mit Verlauf. Sie braucht auch einen Port des Hosts: siehe Netzwerk weiter unten.",
            dutch:
                "Een pagina in de browser, met geschiedenis. Zij heeft ook een poort van de host nodig: zie Netwerk hieronder.",
            french:
                "Une page dans le navigateur, avec historique. Il lui faut aussi un port de l'hôte : voir Réseau plus bas."
        ),
        "web.password": AddOnWords(
            german:
                "Passwort der Seite, mindestens 8 Zeichen: Wer es nennt, darf lesen und Einstellungen befehlen. Sonst darf jeder lesen, der die Seite erreicht, und niemand befehlen.",
            dutch:
                "Wachtwoord van de pagina, minstens 8 tekens: wie het geeft, mag lezen en instellingen geven. Anders mag iedereen lezen die de pagina bereikt, en niemand iets instellen.",
            french:
                "Mot de passe de la page, 8 caractères au moins : qui le donne peut lire et commander des réglages. Sinon, quiconque atteint la page peut lire, et personne ne peut commander."
        ),
        "web.name": AddOnWords(
            german: "Name, unter dem Browser die Seite erreichen; sonst homeassistant.local.",
            dutch: "Naam waaronder browsers de pagina bereiken; anders homeassistant.local.",
            french: "Nom sous lequel les navigateurs atteignent la page ; sinon homeassistant.local."),
        "log.level": AddOnWords(
            german: "Was protokolliert wird.", dutch: "Wat wordt gelogd.", french: "Ce qui est journalisé."),
    ]
}
