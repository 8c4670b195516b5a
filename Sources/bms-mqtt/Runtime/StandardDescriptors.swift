import CLinux
import Glibc

/// Standard input, output and error of a program that was started without some of them.
enum StandardDescriptors {
    /// Takes the numbers 0 to 2 where they are free, before anything else is opened: a log must not go into a socket that happened to
    /// get the number 2. Each is `/dev/null` opened the wrong way round, so that reading and writing fail as they would have.
    static func occupy() {
        for (descriptor, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)] {
            guard clinux_fcntl(descriptor, F_GETFD, 0) < 0 else { continue }
            // The lowest free number is taken, and all below are.
            guard clinux_open("/dev/null", flags, 0) == descriptor else { exit(EX_OSERR) }
        }
    }
}
