import CLinux
import Glibc

/// Standard input, output and error of a program that was started without some of them.
package enum StandardDescriptors {
    /// Occupies the free ones of the numbers 0 to 2 before anything else is opened, because a log must not go into a socket that got
    /// the number 2. Each becomes `/dev/null`, opened for the wrong direction, so that reading and writing fail as before.
    package static func occupy() {
        for (descriptor, flags) in [(STDIN_FILENO, O_WRONLY), (STDOUT_FILENO, O_RDONLY), (STDERR_FILENO, O_RDONLY)] {
            guard clinux_fcntl(descriptor, F_GETFD, 0) < 0 else { continue }
            // The lowest free number is taken, and all below are.
            guard clinux_open("/dev/null", flags, 0) == descriptor else { exit(EX_OSERR) }
        }
    }
}
